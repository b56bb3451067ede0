"""What targets ask a model for is asked for their trial; answers of earlier sessions stand for calls."""

from __future__ import annotations

import asyncio
import datetime
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from client_help import Echo, Kept, client
from engine_help import answers, job

from pytest_genaiops.clients.current import ask
from pytest_genaiops.errors import UsageError
from pytest_genaiops.records import Case, Relevant, Response, Trial
from pytest_genaiops.run import Engine, Job
from pytest_genaiops.variants import bare


def asking(service: Echo, times: int = 1) -> Callable[..., Any]:
    """A target that asks a service for the text of its case, several times."""

    async def target(case: Case, variant: Any) -> str:
        said = [await ask(service, {"text": case.id}) for _ in range(times)]
        return " ".join(response.text if response.error is None else str(response.error) for response in said)

    return target


class TestAsking:
    def test_equal_prompts_of_two_variants_are_one_call(self, engines: Callable[..., Engine]) -> None:
        service = Echo()
        found = answers(engines(client=client()), [job(asking(service)), job(asking(service), variant="v2")])
        assert [response.text for response in found] == ["a", "a"]
        assert len(service.asked) == 1

    def test_trials_are_calls_of_their_own(self, engines: Callable[..., Engine]) -> None:
        service = Echo()
        answers(engines(client=client()), [job(asking(service), index=index) for index in (1, 2, 3)])
        assert len(service.asked) == 3

    def test_the_same_question_twice_in_one_trial_is_two_calls_and_both_are_kept(
        self, engines: Callable[..., Engine]
    ) -> None:
        service, kept = Echo(), Kept()
        for _ in range(2):
            answers(engines(client=client(memory=kept)), [job(asking(service, times=2))])
        assert len(service.asked) == 2
        assert len(kept.answers) == 2

    def test_many_at_once_share_a_call(self, engines: Callable[..., Engine]) -> None:
        async def slow(body: Any) -> str:
            await asyncio.sleep(0.05)
            return str(body["text"])

        service = Echo(slow)
        jobs = [job(asking(service), variant=f"v{n}") for n in range(8)]
        answers(engines(client=client(), concurrency=8), jobs)
        assert len(service.asked) == 1

    def test_a_sync_target_may_return_what_it_asks(self, engines: Callable[..., Engine]) -> None:
        service = Echo()
        (found,) = answers(engines(client=client()), [job(lambda case, variant: ask(service, {"text": "hello"}))])
        assert found.text == "hello"

    def test_outside_of_a_target_nobody_may_ask(self) -> None:
        with pytest.raises(UsageError, match="outside of a target"):
            asyncio.run(ask(Echo(), {"text": "x"}))

    def test_in_an_engine_without_a_client_neither(self, engines: Callable[..., Engine]) -> None:
        (found,) = answers(engines(), [job(asking(Echo()))])
        assert found.error is not None
        assert "outside of a target" in found.error.message


class TestClock:
    def test_a_clients_time_is_not_the_targets(self, engines: Callable[..., Engine]) -> None:
        """It waits for its turn, and has a time limit of its own."""

        async def slow(body: Any) -> Response:
            await asyncio.sleep(0.3)
            return Response(text="late", latency=0.01)

        begun = time.monotonic()
        (found,) = answers(engines(client=client(), timeout=0.1), [job(asking(Echo(slow)))])
        assert (found.text, found.error) == ("late", None)
        assert found.latency is not None
        waited = time.monotonic() - begun
        assert 0.01 <= found.latency <= waited - 0.3 + 0.01  # what the answer took, and not the wait

    def test_the_targets_own_time_is_limited_all_the_same(self, engines: Callable[..., Engine]) -> None:
        async def target(case: Case, variant: Any) -> str:
            await ask(Echo(), {"text": "x"})
            await asyncio.sleep(30)
            return "never"

        (found,) = answers(engines(client=client(), timeout=0.1), [job(target)])
        assert found.error is not None
        assert found.error.kind == "timeout"

    def test_answers_at_the_same_time_take_as_long_as_the_slowest(self, engines: Callable[..., Engine]) -> None:
        async def target(case: Case, variant: Any) -> str:
            await asyncio.gather(*(ask(Echo(lambda body: Response(latency=2.0)), {"text": n}) for n in range(5)))
            return "done"

        begun = time.monotonic()
        (found,) = answers(engines(client=client()), [job(target)])
        assert found.latency is not None
        assert 2.0 <= found.latency <= 2.0 + time.monotonic() - begun


def marked(mark: Any = "1", calls: list[str] | None = None, says: str = "yes") -> Callable[..., str]:
    def target(case: Case, variant: Any) -> str:
        (calls if calls is not None else []).append(case.id)
        return says

    target.fingerprint = mark  # type: ignore[attr-defined]
    return target


class TestFingerprints:
    def test_a_marked_target_is_called_once_in_two_sessions(self, engines: Callable[..., Engine]) -> None:
        kept, calls = Kept(), list[str]()
        for _ in range(2):
            found = answers(
                engines(client=client(memory=kept)), [job(marked(calls=calls)), job(marked(calls=calls), "b")]
            )
            assert [response.text for response in found] == ["yes", "yes"]
            assert all(response.trial is not None for response in found)
        assert calls == ["a", "b"]

    @pytest.mark.parametrize(
        "other",
        [
            {"fingerprint": "2"},
            {"variant": "v2"},
            {"index": 2},
            {"case": Case(id="a", inputs={"question": "?"})},
            {"case": Case(id="a", references=("x",))},
            {"case": Case(id="a", contexts=("x",))},
            {"case": Case(id="a", relevant=(Relevant(id="x"),))},
        ],
        ids=["fingerprint", "variant", "trial", "inputs", "references", "contexts", "relevant"],
    )
    def test_whatever_it_may_depend_on_is_another_call(
        self, engines: Callable[..., Engine], other: dict[str, Any]
    ) -> None:
        kept, calls = Kept(), list[str]()
        answers(engines(client=client(memory=kept)), [job(marked(calls=calls))])
        target = marked(other.get("fingerprint", "1"), calls)
        trial = Trial(
            case=other.get("case", Case(id="a")), variant=other.get("variant", "v1"), index=other.get("index", 1)
        )
        again = Job(target=target, identity="app", variant=bare(trial.variant), trial=trial)
        answers(engines(client=client(memory=kept)), [again])
        assert len(calls) == 2

    def test_what_does_not_matter_is_not(self, engines: Callable[..., Engine]) -> None:
        kept, calls = Kept(), list[str]()
        answers(engines(client=client(memory=kept)), [job(marked(calls=calls))])
        elsewhere = Case(id="a", source="other.jsonl:7", slices={"topic": "law"}, cluster="c")
        again = replace(job(marked(calls=calls)), trial=Trial(case=elsewhere, variant="v1", dataset="another"))
        answers(engines(client=client(memory=kept)), [again])
        assert calls == ["a"]

    def test_errors_are_not_kept(self, engines: Callable[..., Engine]) -> None:
        kept, calls = Kept(), list[str]()

        def target(case: Case, variant: Any) -> str:
            calls.append(case.id)
            raise RuntimeError("not now")

        target.fingerprint = "1"  # type: ignore[attr-defined]
        for _ in range(2):
            answers(engines(client=client(memory=kept)), [job(target)])
        assert calls == ["a", "a"]

    def test_a_target_without_one_is_called_every_time(self, engines: Callable[..., Engine]) -> None:
        kept, calls = Kept(), list[str]()
        for _ in range(2):
            answers(engines(client=client(memory=kept)), [job(lambda case, variant: calls.append(case.id) or "yes")])
        assert calls == ["a", "a"]

    def test_strict_replay_calls_nothing_and_says_why(self, engines: Callable[..., Engine]) -> None:
        calls = list[str]()
        (found,) = answers(engines(client=client(strict=True)), [job(marked(calls=calls))])
        assert found.error is not None
        assert (found.error.kind, found.error.message) == ("missing", "a is new")
        assert calls == []

    def test_a_case_that_json_has_no_form_for_is_called(self, engines: Callable[..., Engine]) -> None:
        calls = list[str]()
        dated = replace(
            job(marked(calls=calls)), trial=Trial(case=Case(id="a", inputs={"day": datetime.date.min}), variant="v1")
        )
        for _ in range(2):
            (found,) = answers(engines(client=client()), [dated])
            assert found.text == "yes"
        assert len(calls) == 2

    @pytest.mark.parametrize("mark", ["", 1, b"x"])
    def test_a_mark_that_is_no_text_is_refused(self, engines: Callable[..., Engine], mark: object) -> None:
        with pytest.raises(UsageError, match="the target's fingerprint is"):
            answers(engines(client=client()), [job(marked(mark))])

    def test_what_was_refused_is_refused_again_and_not_waited_for(self, engines: Callable[..., Engine]) -> None:
        engine, asked = engines(client=client()), job(marked(""))
        for _ in range(2):
            with pytest.raises(UsageError, match="the target's fingerprint is"):
                engine.start([asked])
