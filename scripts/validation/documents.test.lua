local function upload(name)
  return { module = "documents", action = "upload", filename = name, content_type = "text/plain", size_bytes = 1, tags = "any, thing" }
end

local function patch(tags)
  return { module = "documents", action = "patch", document_id = "doc_0", tags = tags }
end

return {
  { name = "an ordinary file", facts = upload("notes.md"), expect = "allow" },
  { name = "spaces and other alphabets", facts = upload("x y ü.txt"), expect = "allow" },
  { name = "no name", facts = upload(""), expect = "deny" },
  { name = "a name of 255 bytes", facts = upload(("n"):rep(255)), expect = "allow" },
  { name = "a name of 256 bytes", facts = upload(("n"):rep(256)), expect = "deny" },
  { name = "a path", facts = upload("../notes.md"), expect = "deny" },
  { name = "a path of another system", facts = upload("a\\b"), expect = "deny" },
  { name = "a line end", facts = upload("a\nb"), expect = "deny" },
  { name = "good tags", facts = patch { "a-1", "B2" }, expect = "allow" },
  { name = "no tags", facts = patch {}, expect = "allow" },
  { name = "a tag with a space", facts = patch { "ok", "not ok" }, expect = "deny" },
  { name = "an empty tag", facts = patch { "" }, expect = "deny" },
  { name = "a tag with an umlaut", facts = patch { "ü" }, expect = "deny" },
  { name = "a description only", facts = { module = "documents", action = "patch", description = "words" }, expect = "allow" },
  { name = "deleting", facts = { module = "documents", action = "delete", document_id = "doc_0" }, expect = "allow" },
  { name = "another module's facts", facts = { module = "observability", tags = { "not ok" } }, expect = "allow" },
}
