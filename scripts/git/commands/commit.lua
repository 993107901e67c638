-- git commit. Not what starts an editor, signs, reads a message from a file, or passes over the user's own hooks.
local v, o = import "git/lib/values", import "git/lib/options"

local SAYS_WHAT = { "-m", "-am", "--message", "--no-edit", "-C", "--reuse-message", "--fixup", "--dry-run", "--short", "--porcelain" }

return {
  options = o.merge(o.flags "-a --all --amend --no-edit --allow-empty --allow-empty-message --no-signoff -s --signoff --dry-run -q --quiet --short --porcelain --long --branch -z -o --only -i --include --reset-author --no-gpg-sign --no-status --no-post-rewrite", {
    ["-m"] = o.value(v.text), ["-am"] = o.value(v.text), ["--message"] = o.value(v.text), ["--author"] = o.value(v.author), ["--date"] = o.value(v.line),
    ["-C"] = o.value(v.revision), ["--reuse-message"] = o.value(v.revision), ["--cleanup"] = o.value(v.cleanup),
    ["--fixup"] = o.value(function(text)
      return string.find(text, "^%a+:") and "would start an editor" or v.revision(text)
    end),
    ["-u"] = o.optional(v.one_of "no normal all"), ["--untracked-files"] = o.optional(v.one_of "no normal all"),
  }),
  words = v.path,
  check = function(found)
    for i = 1, #SAYS_WHAT do
      if found[SAYS_WHAT[i]] then
        return nil
      end
    end
    return "git commit needs a message here: -m, or --amend --no-edit, because there is no editor"
  end,
}
