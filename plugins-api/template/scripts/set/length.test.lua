-- Cases of length.lua: run at every reload of the rules, which is refused where one fails, and by `backplane policy test`.
return {
  { name = "a short note passes", facts = { text = "hello", principal = "uid:1000" }, expect = "allow" },
  { name = "a long note is denied", facts = { text = string.rep("x", 501), principal = "uid:1000" }, expect = "deny" },
}
