"""The bridge into Ableton Live: a Remote Script of ours, which needs nothing but Live itself."""
