// The result table. A row: {case, figure, value, line, ok, note}; ok is undefined where nothing is asserted.

const verdict = (row) => (row.ok === undefined ? '' : row.ok ? 'ok' : 'MISSED');

export function printTable(rows) {
  const cells = rows.map((r) => [r.case, r.figure, String(r.value), r.line ?? '', verdict(r), r.note ?? '']);
  const head = ['case', 'figure', 'value', 'line', '', 'note'];
  const widths = head.map((_, i) => Math.max(...[head, ...cells].map((row) => row[i].length)));
  for (const row of [head, ...cells]) console.log(row.map((cell, i) => cell.padEnd(widths[i])).join('  ').trimEnd());
}

export const fixed = (number, digits = 2) => (Number.isFinite(number) ? number.toFixed(digits) : 'n/a');

export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
