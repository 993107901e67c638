local function asked(prompt, agents)
  return { module = "swarm", action = "decompose", session_id = "s", prompt = prompt, agent_count = agents }
end

return {
  { name = "a numbered list", facts = asked("Do this:\n1. build\n2. test\n3. ship", 3), expect = "rewrite" },
  { name = "bullets, fewer than agents", facts = asked("- build it\n- test it", 4), expect = "rewrite" },
  { name = "sentences", facts = asked("Build it. Test it. Ship it. Tell everybody!", 2), expect = "rewrite" },
  { name = "joined by and", facts = asked("build the parser and write the tests", 2), expect = "rewrite" },
  { name = "one word", facts = asked("x", 4), expect = "rewrite" },
  { name = "one agent", facts = asked("Build it. Test it.", 1), expect = "rewrite" },
  { name = "nothing but signs", facts = asked("...", 2), expect = "rewrite" },
  { name = "another alphabet", facts = asked("建立解析器。编写测试。", 3), expect = "rewrite" },
  { name = "a long prompt", facts = asked(("Do the next thing, and that too. "):rep(2500), 4), expect = "rewrite" },
  { name = "one long line without joints", facts = asked(("x"):rep(200000), 4), expect = "rewrite" },
  { name = "thousands of entries", facts = asked(("- do it and that\n"):rep(5000), 4), expect = "rewrite" },
  { name = "signs only", facts = asked(("?!"):rep(50000), 4), expect = "rewrite" },
  { name = "mostly space", facts = asked("z" .. ("\t"):rep(50000) .. "z", 4), expect = "rewrite" },
  { name = "one sentence of many parts", facts = asked(("one and two "):rep(9000), 4), expect = "rewrite" },
  { name = "its own rewrite", facts = { module = "swarm", action = "decompose", prompt = "x", agent_count = 1, todos = { "x" } }, expect = "allow" },
  { name = "creating a session", facts = { module = "swarm", action = "create_session", prompt = "x", agent_count = 1 }, expect = "allow" },
  { name = "another module's facts", facts = { module = "flow", action = "decompose" }, expect = "allow" },
}
