-- What the value of an option, or a word of a command, may be. Each kind is a function (text, request) that returns nil where the
-- text is fine, or what is wrong with it. A kind never sees a value whose length was not checked.

local find, sub, lower, byte, match = string.find, string.sub, string.lower, string.byte, string.match
local v = {}

-- A pattern over long texts would use the budget of the decision. Control characters other than tabs and line ends are refused before
-- any rule is asked (modules/git/facts.c), so for long texts only line ends are looked for.
local SHORT = 256

local function has_control(text)
  if #text <= SHORT then
    return find(text, "%c") ~= nil
  end
  return find(text, "\n", 1, true) ~= nil
end

-- Whether one of the components is `..`, or a name that some file system takes for `.git`. The first looks are cheap: a long path is
-- only taken apart where it has a component that begins with a dot, a short name of old (git~1), or a backslash.
local function bad_component(path)
  if not (find(path, "^%.") or find(path, "/.", 1, true) or find(path, "~", 1, true) or find(path, "\\", 1, true)) then
    return nil
  end
  for part in string.gmatch(lower(path), "[^/\\]+") do
    if part == ".." then
      return "leaves the repository"
    elseif match(part, "^(.-)[%. ]*$") == ".git" or find(part, "^%.git[:%. ]") or find(part, "^git~%d") then
      return "reaches into .git"
    end
  end
end

-- `path` is `folder` or lies below it.
local function is_below(path, folder)
  return path == folder or sub(path, 1, #folder + 1) == folder .. "/" or folder == "/"
end

local function is_below_one(path, folders)
  for i = 1, #(folders or {}) do
    if is_below(path, folders[i]) then
      return true
    end
  end
  return false
end

local function is_plain_absolute(path)
  return sub(path, 1, 1) == "/" and not find(path, "/../", 1, true) and sub(path, -3) ~= "/.." and not find(path, "//", 1, true)
    and not find(path, "/./", 1, true)
end

-- ---- Words ----

-- A path of the work tree: relative, or absolute below it.
function v.path(text, request)
  if text == "" then
    return "is empty"
  elseif has_control(text) then
    return "holds a control character"
  elseif find(text, "^:") then
    return "is a pathspec with magic"
  elseif find(text, "^/") and not (request.repo and is_plain_absolute(text) and is_below(text, request.repo)) then
    return "lies outside the repository"
  end
  return bad_component(text)
end

-- What git itself would look at to tell which of the two it is: so it must be harmless as both.
function v.revision_or_path(text, request)
  if text == "" or text == "-" then
    return nil
  elseif find(text, "^%-") then
    return "begins with a dash"
  elseif has_control(text) then
    return "holds a control character"
  elseif find(text, "^:%(") then
    return "is a pathspec with magic"
  elseif find(text, "^/") and not (request.repo and is_plain_absolute(text) and is_below(text, request.repo)) then
    return "lies outside the repository"
  end
  return bad_component(text)
end

function v.revision(text)
  if text == "" then
    return "is empty"
  elseif find(text, "^%-") and text ~= "-" then
    return "begins with a dash"
  elseif has_control(text) then
    return "holds a control character"
  elseif find(text, "^/") then
    return "is no revision"
  end
end

-- A name for something new: git-check-ref-format(1), and not a name that git reads as something else.
function v.new_ref(text)
  if text == "" or #text > 250 then
    return "is empty or longer than 250 bytes"
  elseif find(text, "^%-") or find(text, "^refs/heads/%-") or find(text, "^refs/tags/%-") then
    return "begins with a dash"
  elseif text == "HEAD" or text == "@" or match(text, "^refs/backplane") then
    return "is a reserved name"
  elseif find(text, "[%c ~^:?*%[\\]") or find(text, "..", 1, true) or find(text, "@{", 1, true) or find(text, "//", 1, true)
    or find(text, "^[/.]") or find(text, "[/.]$") or find(text, "/.", 1, true) or find(text, ".lock/", 1, true) or find(text, "%.lock$") then
    return "is no valid name of a branch or tag"
  end
end

-- An existing branch or tag, or a pattern of such.
function v.ref_pattern(text)
  if text == "" or #text > 1000 then
    return "is empty or longer than 1000 bytes"
  elseif find(text, "^%-") then
    return "begins with a dash"
  elseif has_control(text) then
    return "holds a control character"
  end
end

function v.remote(text)
  if not find(text, "^%w[%w._/-]*$") or find(text, "..", 1, true) or find(text, "//", 1, true) or find(text, "/$") or find(text, "%.lock$")
    or #text > 250 then
    return "is no name of a remote"
  end
end

-- One side of a refspec, which may have a single star.
local function bad_side(text)
  local plain = string.gsub(text, "%*", "x")
  if find(text, "%*.*%*") then
    return "is no refspec"
  end
  return v.new_ref(plain)
end

local function bad_source(text)
  if text == "HEAD" or text == "@" then
    return nil
  end
  return find(text, "^[%w._/@^~{}*-]+$") and v.revision(text) or not find(text, "^[%w._/@^~{}*-]+$") and bad_side(text) or nil
end

function v.push_refspec(text)
  if sub(text, 1, 1) == "+" then
    return "would force the push: use --force-with-lease"
  elseif find(text, "^:") or text == "" then
    return "would delete what is on the remote"
  end
  local source, target = match(text, "^([^:]*):([^:]*)$")
  if not source then
    return find(text, ":", 1, true) and "is no refspec" or bad_source(text)
  end
  return bad_source(source) or (target ~= "HEAD" and bad_side(target) or nil)
end

function v.fetch_refspec(text)
  local is_forced = sub(text, 1, 1) == "+"
  local plain = is_forced and sub(text, 2) or text
  local source, target = match(plain, "^([^:]*):([^:]*)$")
  if not source then
    source, target = plain, ""
    if find(plain, ":", 1, true) then
      return "is no refspec"
    end
  end
  if target ~= "" and sub(target, 1, 13) ~= "refs/remotes/" then
    if is_forced or find(target, "*", 1, true) then
      return "would overwrite local branches: only refs/remotes/ may be forced or filled by a pattern"
    end
  end
  return bad_source(source) or (target ~= "" and bad_side(target) or nil)
end

function v.stash(text)
  if not find(text, "^stash@{%d+}$") and not find(text, "^%d+$") and text ~= "stash" then
    return "is no stash"
  end
end

-- ---- Values ----

-- Anything that git takes as a text and nothing else, whatever it begins with.
function v.text(text)
  return find(text, "\0", 1, true) and "holds a NUL" or nil
end

-- One line that does not look like an option.
function v.line(text)
  if find(text, "^%-") then
    return "begins with a dash"
  elseif has_control(text) then
    return "holds a control character"
  end
end

-- A pattern of git log: matched against the history, so it is short.
function v.search(text)
  return #text > 256 and "is longer than 256 bytes" or v.line(text)
end

function v.int(text)
  return not find(text, "^%d+$") and "is no number" or #text > 9 and "is too large" or nil
end

function v.author(text)
  return (has_control(text) or not find(text, "^[^<>]+ <[^<> ]*>$")) and "is not of the form Name <mail@example.org>" or nil
end

function v.filter(text)
  return not (text == "blob:none" or find(text, "^blob:limit=%d+[kmg]?$") or find(text, "^tree:%d+$")) and "is no filter of the list" or nil
end

local PRETTY = {}
for name in string.gmatch("oneline short medium full fuller reference email raw", "%S+") do
  PRETTY[name] = true
end

-- The placeholders %G… start gpg, and names that are not built in come from the repository's configuration.
function v.pretty(text)
  if PRETTY[text] then
    return nil
  elseif has_control(text) then
    return "holds a control character"
  elseif find(text, "%%[+ -]?G") then
    return "has a placeholder that starts a program"
  elseif sub(text, 1, 7) == "format:" or sub(text, 1, 8) == "tformat:" or find(text, "%", 1, true) then
    return nil
  end
  return "is no built-in format"
end

local ATOMS = {}
for name in string.gmatch("refname objectname objecttype upstream push HEAD symref subject committername committerdate committeremail "
  .. "authorname authordate authoremail creator creatordate taggername taggerdate taggeremail", "%S+") do
  ATOMS[name] = true
end

function v.ref_format(text)
  if has_control(text) then
    return "holds a control character"
  end
  for atom in string.gmatch(text, "%%%(([^)]*)%)?") do
    if not ATOMS[match(atom, "^%*?([%a]*)")] then
      return "has the field " .. sub(atom, 1, 40) .. ", which is not on the list"
    end
  end
end

function v.date_format(text)
  local known = { iso = 1, iso8601 = 1, ["iso-strict"] = 1, short = 1, relative = 1, ["local"] = 1, rfc = 1, rfc2822 = 1, raw = 1, unix = 1,
    human = 1, default = 1 }
  if known[match(text, "^(.-)%-local$") or text] or (sub(text, 1, 7) == "format:" and not has_control(text)) then
    return nil
  end
  return "is no format of dates"
end

-- A closed list: one_of "a b c".
function v.one_of(words)
  local known = {}
  for word in string.gmatch(words, "%S+") do
    known[word] = true
  end
  return function(text)
    return not known[text] and "is not one of: " .. words or nil
  end
end

v.sort_key = function(text)
  return not find(text, "^%-?[%a:*]+$") and "is no key to sort by" or nil
end

v.numbers = function(text)
  return not find(text, "^[%d,%%.]+$") and "is not of numbers" or nil
end

v.letters = function(text)
  return not find(text, "^[%a*]+$") and "is not of letters" or nil
end

v.strategy = v.one_of "ort recursive resolve octopus ours subtree"
v.strategy_option = v.one_of "ours theirs ignore-space-change ignore-all-space ignore-space-at-eol patience histogram minimal diff-algorithm=histogram diff-algorithm=patience diff-algorithm=minimal diff-algorithm=myers no-renames find-renames renormalize no-renormalize"
v.cleanup = v.one_of "strip whitespace verbatim scissors default"
v.boolean = v.one_of "true false yes no on off 1 0"

-- ---- Addresses ----

local function is_metadata_host(host)
  local folded = lower(host)
  return find(folded, "^169%.254%.") ~= nil or find(folded, "^metadata%.") ~= nil or find(folded, "^%[?fd00:ec2:") ~= nil
    or find(folded, "^%[?fe80:") ~= nil or find(folded, "^0x") ~= nil or find(folded, "^%d+$") ~= nil
end

local function is_private_host(host)
  local a, b = match(host, "^(%d+)%.(%d+)%.%d+%.%d+$")
  a, b = tonumber(a), tonumber(b)
  if a then
    return a == 0 or a == 10 or a == 127 or a >= 224 or (a == 172 and b >= 16 and b <= 31) or (a == 192 and b == 168) or (a == 169 and b == 254)
      or (a == 100 and b >= 64 and b <= 127)
  end
  -- Other spellings of addresses: 127.1, 0x7f000001, 2130706433, [::1]. Names are resolved by whoever connects.
  local folded = lower(host)
  return find(folded, "^[%d.]+$") ~= nil or find(folded, "^0x") ~= nil or find(folded, "^%[") ~= nil or folded == "localhost"
    or find(folded, "%.localhost%.?$") ~= nil or find(folded, "^metadata%.") ~= nil or find(folded, "%.internal%.?$") ~= nil
end

-- https://host/…, ssh://user@host/…, user@host:path, or a folder below a root.
function v.url(text, request)
  if text == "" or #text > 2000 then
    return "is empty or longer than 2000 bytes"
  elseif find(text, "[%c ]") or find(text, "[\\\"'`<>|]") then
    return "holds a character that no address has"
  elseif find(lower(text), "%%0[0ad]") or find(lower(text), "%%00") then
    return "holds an encoded line end"
  elseif find(text, "^/") then
    if is_plain_absolute(text) and is_below_one(text, request.roots) then
      return bad_component((string.gsub(text, "/%.git$", "")))
    end
    return "is a folder outside the roots"
  end
  local scheme, rest = match(text, "^(%a[%w+.-]*)://(.*)$")
  local user, host
  if scheme then
    if scheme ~= "https" and scheme ~= "ssh" then
      return "is neither https nor ssh"
    end
    local authority = match(rest, "^([^/?#]*)")
    if not find(rest, "^[^/?#]+/.") then
      return "names no repository"
    end
    user, host = match(authority, "^(.*)@([^@]*)$")
    host = host or authority
    if user and (find(user, ":", 1, true) or scheme == "https" and user ~= "git" or find(user, "^%-") or find(user, "%", 1, true)) then
      return "holds a password or token: use a credential of ssh or the askpass"
    end
    host = match(host, "^(.-):%d*$") or host
  else
    if find(text, "::", 1, true) then
      return "names a transport that would run a program"
    end
    user, host = match(text, "^([%w._-]+)@([%w.-]+):[^:].*$")
    if not host then
      host = match(text, "^([%w.-]+):[^:/].*$") or match(text, "^([%w.-]+):/.*$")
    end
    if not host then
      return "is neither an https nor an ssh address"
    end
  end
  if host == "" or find(host, ":", 1, true) and not find(host, "^%[.*%]$") or find(host, "^%-") or (user and find(user, "^%-")) or not find(host, "^[%w._%[%]:-]+$") then
    return "has no proper host"
  elseif is_metadata_host(host) then
    return "points at an address of a cloud's own services"
  elseif is_private_host(host) and sub(request.principal or "", 1, 6) == "token:" then
    return "points at a private address, which callers with a token may not reach"
  end
end

-- Where a clone goes: below the folder it runs in.
function v.destination(text, request)
  if text == "" or text == "." or #text > 1000 then
    return "is no name of a folder"
  elseif find(text, "^%-") then
    return "begins with a dash"
  elseif has_control(text) then
    return "holds a control character"
  elseif find(text, "^/") and not (request.cwd and is_plain_absolute(text) and is_below(text, request.cwd) and text ~= request.cwd) then
    return "lies outside the folder the clone is made in"
  end
  return bad_component(text)
end

return v
