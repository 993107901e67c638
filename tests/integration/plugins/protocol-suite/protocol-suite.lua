-- The host as the target of the Engine.IO and Socket.IO protocol suites: http://localhost:3000/engine.io/ and /socket.io/.
-- tests/README.md says how to start it.
listen "127.0.0.1:8700"
listen "127.0.0.1:3000" { family = "protocol-suite" }
listen "[::1]:3000" { family = "protocol-suite" }
policy { scripts = "../../../../scripts" }
origins { "http://localhost:5173", "http://localhost:3000" }
module "protocol-suite" { path = env("PROTOCOL_SUITE_PLUGIN", "../../../../build/release/tests/integration/test_protocol_suite.so") }
