"""Which profile ID an event gets, decided for all requests of one commit: values in, values out.

devices.py has the order in which it is found. A device on which a second value of an exclusive
kind signs in has changed hands (sessions.py): its session goes on under a new profile ID, and so
does all that comes after it in the request (hands.py).
"""

from onetrail_collector.assignment.assigning import Assignment
from onetrail_collector.assignment.request import Request, profile_ids_that_state, question

__all__ = ["Assignment", "Request", "profile_ids_that_state", "question"]
