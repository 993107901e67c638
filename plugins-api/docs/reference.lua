-- Writes the plugin API reference (Markdown) from the comments of the public headers, so that it cannot drift from them.
-- Usage: lua5.4 reference.lua OUTPUT HEADER...
-- A comment documents what follows it directly; the first comment of a header introduces the chapter.

local output_path = arg[1]

local function read_lines(path)
  local lines = {}
  for line in io.lines(path) do
    lines[#lines + 1] = line
  end
  return lines
end

-- The text of a comment without its marks.
local function comment_text(lines)
  local text = {}
  for _, line in ipairs(lines) do
    line = line:gsub("^%s*/%*%s?", ""):gsub("%s*%*/%s*$", ""):gsub("^%s*%*%s?", "")
    text[#text + 1] = line
  end
  return (table.concat(text, "\n"):gsub("%s+$", ""))
end

-- Reads one comment starting at line `at`; returns its text and the next line's number.
local function take_comment(lines, at)
  local found = {}
  repeat
    found[#found + 1] = lines[at]
    at = at + 1
  until found[#found]:find("*/", 1, true) or at > #lines
  return comment_text(found), at
end

local function is_boilerplate(line)
  return line:match("^%s*$") or line:match("^#if") or line:match("^#endif") or line:match("^#include") or line:match("^extern \"C\"")
    or line:match("^}$") or line:match("^#define BACKPLANE_[A-Z0-9_]*H$")
end

-- Reads one declaration: to the line where braces are closed and a ';' ends it, or a macro's last continuation line.
local function take_declaration(lines, at)
  local found, depth = {}, 0
  local is_macro = lines[at]:match("^#define")
  while at <= #lines do
    local line = lines[at]
    local code = line:gsub("/%*.-%*/", ""):gsub("/%*.*$", "")
    found[#found + 1] = line
    at = at + 1
    local _, opens = code:gsub("{", "")
    local _, closes = code:gsub("}", "")
    depth = depth + opens - closes
    if is_macro then
      if not line:match("\\%s*$") then
        break
      end
    elseif depth == 0 and (code:match(";%s*$") or code:match("^}%s*$")) then
      break
    end
  end
  return table.concat(found, "\n"):gsub("%s+\\\n", " \\\n"), at
end

-- The name a reader would look for.
local function declared_name(text)
  return text:match("^#define ([%w_]+)") or text:match("^typedef%s+struct%s+([%w_]+)") or text:match("%(%*([%w_]+)%)")
    or text:match("^typedef.-([%w_]+);") or text:match("([%w_]+)%s*%(")
end

local function write_chapter(out, path)
  local lines = read_lines(path)
  local title = path:match("([^/]+)$")
  local intro, at = take_comment(lines, 1)
  out:write("## ", title, "\n\n", intro, "\n\n")
  local doc, block = nil, {}
  local function flush()
    if #block > 0 then
      out:write("```c\n", table.concat(block, "\n"), "\n```\n\n")
      block = {}
    end
  end
  while at <= #lines do
    local line = lines[at]
    if line:match("^%s*/%*") then
      flush()
      doc, at = take_comment(lines, at)
      local section = doc:match("^%-%-%-%- (.-) %-%-%-%-$")
      if section then
        out:write("### ", section, "\n\n")
        doc = nil
      end
    elseif is_boilerplate(line) then
      flush()
      at = at + 1
    else
      local text
      text, at = take_declaration(lines, at)
      if doc or text:find("\n") then
        flush()
        local name = declared_name(text)
        out:write("#### `", name or title, "`\n\n", doc and doc .. "\n\n" or "")
        doc = nil
      end
      block[#block + 1] = text
    end
  end
  flush()
end

local out = assert(io.open(output_path, "w"))
out:write("# Backplane plugin API\n\nGenerated from `plugins-api/include/backplane/*.h`. Include `<backplane/backplane.h>`; it brings all of them.\n\n")
local headers = {}
for i = 2, #arg do
  if not arg[i]:match("/backplane%.h$") then
    headers[#headers + 1] = arg[i]
  end
end
-- The types first, then the descriptor, then the tables by name, and the fake host of unit tests last.
local rank = { ["base.h"] = 1, ["plugin.h"] = 2, ["testhost.h"] = 4 }
table.sort(headers, function(a, b)
  local name_a, name_b = a:match("([^/]+)$"), b:match("([^/]+)$")
  local rank_a, rank_b = rank[name_a] or 3, rank[name_b] or 3
  if rank_a ~= rank_b then
    return rank_a < rank_b
  end
  return name_a < name_b
end)
for _, header in ipairs(headers) do
  write_chapter(out, header)
end
assert(out:close())
