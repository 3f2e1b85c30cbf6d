"""What a run tells of itself: a trace, lineage events, metrics and log lines, all in the background."""
