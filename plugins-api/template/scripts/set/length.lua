-- Decides on every new note. `request` holds the facts that @ID@.c states in note_facts.
-- A rule returns true, or deny(reason), ask(reason), rewrite(facts). Its test is beside it.
if #request.text > 500 then
  return deny("a note has at most 500 bytes")
end
return true
