-- git config: the keys listed here, in this repository's own file. Keys are compared without regard to case, as git does.
local v, o = import "git/lib/values", import "git/lib/options"

local WRITABLE = {
  ["user.name"] = v.line, ["user.email"] = v.line, ["init.defaultbranch"] = v.new_ref,
  ["pull.rebase"] = v.one_of "true false merges", ["pull.ff"] = v.one_of "true false only",
  ["push.default"] = v.one_of "nothing current upstream simple matching", ["push.autosetupremote"] = v.boolean,
  ["core.autocrlf"] = v.one_of "true false input", ["core.eol"] = v.one_of "lf crlf native", ["core.filemode"] = v.boolean,
  ["core.ignorecase"] = v.boolean, ["core.quotepath"] = v.boolean, ["merge.conflictstyle"] = v.one_of "merge diff3 zdiff3",
  ["merge.ff"] = v.one_of "true false only", ["fetch.prune"] = v.boolean, ["rebase.autostash"] = v.boolean, ["diff.renames"] = v.one_of "true false copies",
  ["color.ui"] = v.one_of "true false auto always never",
}
local READABLE = { ["core.bare"] = true, ["core.repositoryformatversion"] = true, ["core.symlinks"] = true, ["core.logallrefupdates"] = true }

local function is_readable(key)
  return WRITABLE[key] or READABLE[key] or string.find(key, "^remote%.[^%c]+%.url$") or string.find(key, "^remote%.[^%c]+%.pushurl$")
    or string.find(key, "^remote%.[^%c]+%.fetch$") or string.find(key, "^branch%.[^%c]+%.remote$") or string.find(key, "^branch%.[^%c]+%.merge$")
    or string.find(key, "^branch%.[^%c]+%.rebase$")
end

local function check(found, words)
  local key = string.lower(words[1] or "")
  if key == "" or #words > 2 then
    return "git config takes a key, and a value to set it"
  elseif found["--unset"] then
    return (#words ~= 1 or not WRITABLE[key]) and "Key '" .. string.sub(key, 1, 60) .. "' may not be unset" or nil
  elseif #words == 1 or found["--get"] or found["--get-all"] then
    return (#words ~= 1 or not is_readable(key)) and "Key '" .. string.sub(key, 1, 60) .. "' may not be read" or nil
  end
  local kind = WRITABLE[key]
  if not kind then
    return "Key '" .. string.sub(key, 1, 60) .. "' may not be set"
  end
  local fault = kind(words[2])
  return fault and "The value of " .. key .. " " .. fault or nil
end

return { options = o.flags "--get --get-all --unset --local --bool --int -z --null", paths = false, check = check }
