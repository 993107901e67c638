-- Options that several subcommands share, and how tables of them are written.
local v = import "git/lib/values"
local o = {}

-- flags "-a --all": a table of them.
function o.flags(names)
  local made = {}
  for name in string.gmatch(names, "%S+") do
    made[name] = "flag"
  end
  return made
end

-- All of them in one table; later ones win.
function o.merge(...)
  local made = {}
  for _, part in ipairs { ... } do
    for name, spec in pairs(part) do
      made[name] = spec
    end
  end
  return made
end

local function value(kind)
  return { value = kind }
end
local function optional(kind)
  return { value = kind, optional = true }
end
local function joined(kind)
  return { value = kind, joined = true }
end
o.value, o.optional, o.joined = value, optional, joined

-- How differences are shown. What runs a program or writes a file (--ext-diff, --textconv, --output, -O) is left out,
-- and so is what may search for ever (-G, --pickaxe-regex).
o.diff = o.merge(
  o.flags "-p -u --patch -s --no-patch --raw --patch-with-raw --patch-with-stat --minimal --patience --histogram --numstat --shortstat --summary --name-only --name-status --compact-summary --no-color --no-renames --check --full-index --binary -D -R -a --text -b -w --ignore-space-at-eol --ignore-space-change --ignore-all-space --ignore-blank-lines --ignore-cr-at-eol --no-ext-diff --no-textconv -z --pickaxe-all --no-prefix -W --function-context --exit-code --quiet --indent-heuristic --no-indent-heuristic",
  {
    ["-U"] = value(v.int), ["--unified"] = joined(v.int), ["--inter-hunk-context"] = joined(v.int),
    ["--stat"] = optional(v.numbers), ["--stat-width"] = joined(v.int), ["--stat-name-width"] = joined(v.int), ["--stat-count"] = joined(v.int),
    ["--dirstat"] = optional(v.numbers), ["-X"] = optional(v.numbers),
    ["--abbrev"] = optional(v.int), ["-M"] = optional(v.numbers), ["-C"] = optional(v.numbers), ["-B"] = optional(v.numbers),
    ["--find-renames"] = optional(v.numbers), ["--find-copies"] = optional(v.numbers), ["--break-rewrites"] = optional(v.numbers),
    ["-l"] = value(v.int), ["--diff-filter"] = joined(v.letters), ["-S"] = value(v.search),
    ["--color"] = optional(v.one_of "always never auto"), ["--color-words"] = "flag", ["--color-moved"] = optional(v.one_of "no default plain blocks zebra dimmed-zebra"),
    ["--word-diff"] = optional(v.one_of "color plain porcelain none"), ["--diff-algorithm"] = joined(v.one_of "default myers minimal patience histogram"),
    ["--relative"] = optional(v.path), ["--no-relative"] = "flag", ["--src-prefix"] = joined(v.line), ["--dst-prefix"] = joined(v.line),
    ["--ignore-submodules"] = optional(v.one_of "all"), ["--submodule"] = joined(v.one_of "short log"), ["--ws-error-highlight"] = joined(v.one_of "none default all old new context"),
  })

-- Which commits, and how they are shown.
o.log = o.merge(o.diff,
  o.flags "--oneline --graph --all --no-decorate --follow --merges --no-merges --first-parent --reverse --date-order --topo-order --author-date-order -i --regexp-ignore-case -E --extended-regexp -F --fixed-strings --all-match --invert-grep --abbrev-commit --no-abbrev-commit --left-right --left-only --right-only --cherry-pick --cherry-mark --cherry --boundary --simplify-by-decoration --simplify-merges --full-history --dense --sparse --ancestry-path --parents --children -g --walk-reflogs --source --no-notes --full-diff --relative-date -m -c --cc --no-diff-merges --clear-decorations --show-pulls --log-size --no-walk --root -t --not",
  {
    ["--decorate"] = optional(v.one_of "short full auto no"), ["--decorate-refs"] = joined(v.ref_pattern), ["--decorate-refs-exclude"] = joined(v.ref_pattern),
    ["-n"] = value(v.int), ["--max-count"] = value(v.int), ["--skip"] = value(v.int), ["--min-parents"] = joined(v.int), ["--max-parents"] = joined(v.int),
    ["--since"] = value(v.line), ["--after"] = value(v.line), ["--until"] = value(v.line), ["--before"] = value(v.line),
    ["--author"] = value(v.search), ["--committer"] = value(v.search), ["--grep"] = value(v.search), ["--grep-reflog"] = value(v.search),
    ["--pretty"] = optional(v.pretty), ["--format"] = joined(v.pretty), ["--date"] = value(v.date_format),
    ["--branches"] = optional(v.ref_pattern), ["--tags"] = optional(v.ref_pattern), ["--remotes"] = optional(v.ref_pattern),
    ["--glob"] = joined(v.ref_pattern), ["--exclude"] = joined(v.ref_pattern), ["--diff-merges"] = joined(v.one_of "off none on first-parent 1 separate m combined c dense-combined cc"),
    ["--encoding"] = joined(v.one_of "UTF-8 utf-8"),
  })

-- Joining histories.
o.strategies = {
  ["-s"] = value(v.strategy), ["--strategy"] = value(v.strategy), ["-X"] = value(v.strategy_option), ["--strategy-option"] = value(v.strategy_option),
}

return o
