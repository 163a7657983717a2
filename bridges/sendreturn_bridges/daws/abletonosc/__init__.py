"""The reduced bridge into Ableton Live, for those who have AbletonOSC installed in place of our own script."""
