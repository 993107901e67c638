"""Peer of the ingest case: FastAPI (Debian's build) with one kept SQLite connection, WAL, synchronous=NORMAL."""

import json
import os
import sqlite3
from typing import Any, Dict, List, Optional

from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()
db = sqlite3.connect(os.environ["BENCH_DB"], isolation_level=None)
db.execute("PRAGMA journal_mode=WAL")
db.execute("PRAGMA synchronous=NORMAL")
db.execute(
    "CREATE TABLE events (id INTEGER PRIMARY KEY AUTOINCREMENT, session_id TEXT NOT NULL, event_type TEXT NOT NULL, timestamp TEXT NOT NULL,"
    " tool_name TEXT, tool_input TEXT, tool_output TEXT, error TEXT, exit_code INTEGER, reason TEXT, role TEXT, content TEXT)"
)
db.execute("CREATE INDEX events_session ON events (session_id, timestamp DESC)")


class Event(BaseModel):
    event_type: str
    session_id: str
    session_name: str
    timestamp: str
    tool_name: Optional[str] = None
    tool_input: Optional[Dict[str, Any]] = None
    tool_output: Optional[Any] = None
    error: Optional[str] = None
    exit_code: Optional[int] = None
    reason: Optional[str] = None
    role: Optional[str] = None
    content: Optional[List[Dict[str, Any]]] = None


def text(value):
    return json.dumps(value) if value else None


@app.get("/health")
async def health():
    return {"ok": True}


@app.get("/count")
async def count():
    return {"count": db.execute("SELECT count(*) FROM events").fetchone()[0]}


@app.post("/events")
async def post(event: Event):
    db.execute(
        "INSERT INTO events (session_id, event_type, timestamp, tool_name, tool_input, tool_output, error, exit_code, reason, role, content)"
        " VALUES (?,?,?,?,?,?,?,?,?,?,?)",
        (event.session_id, event.event_type, event.timestamp, event.tool_name, text(event.tool_input), text(event.tool_output), event.error,
         event.exit_code, event.reason, event.role, text(event.content)),
    )
    return {"ok": True}
