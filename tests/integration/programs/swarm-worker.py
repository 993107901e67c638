"""A worker of the swarm, as a project would write one in Python: JSON lines both ways, ends when its stdin does."""
import json
import os
import sys


def say(**message):
    print(json.dumps(message), flush=True)


def work(task_id, description):
    say(type="log", action="reading " + description)
    say(type="complete", todoId=task_id, result=description.upper())


work(os.environ["TASK_ID"], os.environ["TASK_DESCRIPTION"])
for line in sys.stdin:
    task = json.loads(line)
    work(task["taskId"], task["description"])
