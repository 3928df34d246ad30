// Plain text tables for people: columns as wide as their widest cell, two spaces between them.

/** Missing trailing cells are blank; trailing spaces are trimmed. */
export function renderTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => (row[column] ?? '').length), 0),
  );
  const renderRow = (row: readonly string[]) =>
    widths
      .map((width, column) => (row[column] ?? '').padEnd(width))
      .join('  ')
      .trimEnd();
  return [header, ...rows].map(renderRow).join('\n');
}
