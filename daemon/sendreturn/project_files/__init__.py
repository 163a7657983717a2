"""What a DAW's own project file says of a session: tempo, time signature and sample rate, read without the DAW.

The files are only ever read, and taken for untrusted: what is damaged, half written or absurd is told in a sentence.
"""

from sendreturn.project_files.find import Found, find_project_file, read_session
from sendreturn.project_files.project_file import Project
from sendreturn.project_files.tempo_map import TempoMap

__all__ = ["Found", "Project", "TempoMap", "find_project_file", "read_session"]
