"""Speed and memory against peers and limits, as ratios within one run: `make bench`."""
