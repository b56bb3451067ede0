"""English sentences about Python in German."""
