-- wrk script: one tool event of 318 bytes, as a hook posts it.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"event_type":"pre_tool","session_id":"3f2c9a54-7d1e-4b61-9a0e-1c2d3e4f5a6b","session_name":"bench-session",'
  .. '"timestamp":"2026-11-21T07:00:00.123456+00:00","tool_name":"Bash","tool_input":{"command":"cmake --build build -j2",'
  .. '"description":"Build the project and show what fails","timeout":120000,"run_in_background":false}}'
