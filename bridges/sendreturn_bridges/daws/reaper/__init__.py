"""The bridge into REAPER: Lua scripts that need nothing but REAPER itself."""
