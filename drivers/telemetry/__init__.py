"""What a run told of itself, as those have it whom it told; and where that differs from what it did."""
