/**
 * The look of a report, light and dark.
 *
 * @module
 */

/** Style sheet of a report; it loads nothing. */
export const reportStyle: string = `
:root {
  color-scheme: light dark;
  --page: #ffffff; --ink: #1c2127; --soft: #57606a; --line: #d8dee4; --panel: #f6f8fa;
  --warn-page: #fff4d6; --warn-line: #b7791f; --info-page: #e8f1fb; --info-line: #3b82c4;
  --win: #176b3a; --loss: #a3261b;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #15181d; --ink: #e4e8ec; --soft: #9aa4af; --line: #333a43; --panel: #1d2127;
    --warn-page: #332a12; --warn-line: #d9a441; --info-page: #16273a; --info-line: #5b9bd8;
    --win: #6fd19a; --loss: #ff9c8f;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
}
main { max-width: 60rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1.8rem; line-height: 1.2; margin: 0 0 1.25rem; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 0.75rem; }
h3 { font-size: 1rem; font-weight: 600; margin: 0 0 0.75rem; }
.summary p { margin: 0.5rem 0; }
.notice { margin: 0.75rem 0; padding: 0.7rem 1rem; border-left: 4px solid; border-radius: 4px; }
.notice.warning { background: var(--warn-page); border-color: var(--warn-line); }
.notice.info { background: var(--info-page); border-color: var(--info-line); }
.facts {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: 0.9rem 1.25rem;
  margin: 1.5rem 0 0; padding: 1rem 1.25rem; background: var(--panel); border-radius: 8px;
}
.facts dt { color: var(--soft); font-size: 0.8rem; }
.facts dd { margin: 0; overflow-wrap: anywhere; }
.table { overflow-x: auto; margin: 0 0 2rem; }
p { overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { padding-bottom: 0.4rem; color: var(--soft); font-size: 0.85rem; text-align: left; }
caption span { display: inline-block; position: sticky; left: 0; max-width: min(57rem, 90vw); }
th, td { padding: 0.5rem 0.6rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th:first-child { padding-left: 0; text-align: left; white-space: normal; }
thead th { color: var(--soft); font-size: 0.85rem; font-weight: 600; }
tbody th { min-width: 12rem; font-weight: 600; }
td.outcome { font-weight: 700; }
td.outcome.win { color: var(--win); }
td.outcome.loss { color: var(--loss); }
li { margin: 0.3rem 0; overflow-wrap: anywhere; }
.description { display: block; color: var(--soft); font-size: 0.85rem; font-weight: 400; }
figure { margin: 0 0 2.25rem; }
.picture { overflow-x: auto; }
figure svg { display: block; width: 100%; min-width: 36rem; max-width: 50rem; height: auto; }
figure img { display: block; max-width: none; height: auto; image-rendering: pixelated; }
figcaption { margin-top: 0.5rem; color: var(--soft); font-size: 0.85rem; }
details summary { cursor: pointer; }
pre { overflow-x: auto; padding: 1rem 1.25rem; background: var(--panel); border-radius: 8px; font-size: 0.82rem; line-height: 1.45; }
@media (max-width: 40rem) {
  main { padding: 1.25rem 0.9rem 3rem; }
  h1 { font-size: 1.4rem; overflow-wrap: anywhere; }
  table, tbody, tr, th, td { display: block; }
  caption { display: block; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tbody tr { padding: 0.6rem 0; border-bottom: 1px solid var(--line); }
  tbody th { min-width: 0; padding: 0 0 0.3rem; border: 0; overflow-wrap: anywhere; }
  td { display: flex; gap: 1rem; justify-content: space-between; padding: 0.15rem 0; border: 0;
    white-space: normal; overflow-wrap: anywhere; }
  td::before { content: attr(data-label); flex: none; max-width: 50%; color: var(--soft);
    font-weight: 400; text-align: left; }
}
@media print { main { max-width: none; padding: 0; } details > pre { display: block; } }
`;
