// A row for each worker, with what may be asked of its backend.

import { coresText, mebibytesText, perSecondText } from '../../quantity-text.js';
import type { Rates } from '../../rates.js';
import { describeRole } from '../../status-text.js';
import type { BackendStatus, StatusView, WorkerStatus } from '../../status-view.js';
import { button, byId, element } from './elements.js';

const ACTIONS = ['promote', 'drain', 'restart'] as const;
export type BackendAction = (typeof ACTIONS)[number];

export type OnAction = (backend: string, action: BackendAction) => void;

interface Column {
  readonly name: string;
  readonly isNumber?: true;
}

const COLUMNS: readonly Column[] = [
  { name: 'backend' },
  { name: 'role' },
  { name: 'worker' },
  { name: 'state' },
  { name: 'health' },
  { name: 'breaker' },
  { name: 'requests/s', isNumber: true },
  { name: 'in flight', isNumber: true },
  { name: 'failures', isNumber: true },
  { name: 'restarts', isNumber: true },
  { name: 'cores', isNumber: true },
  { name: 'memory', isNumber: true },
  { name: 'GPU memory', isNumber: true },
  { name: 'pid', isNumber: true },
];

/** Its state as a colour. */
const STATE_CLASS: Readonly<Record<string, string>> = { active: 'good', failed: 'bad', standby: '', off: '' };

export class WorkerTable {
  readonly #body = element('tbody');
  readonly #onAction: OnAction;
  #shown = '';

  constructor(onAction: OnAction) {
    this.#onAction = onAction;
    const heads = COLUMNS.map(({ name, isNumber }) => element('th', { text: name, className: classOf(isNumber) }));
    byId('workers').append(element('thead', {}, [element('tr', {}, [...heads, element('th')])]), this.#body);
  }

  /** Leaves the rows as they are when nothing has changed, so that a button is not gone under the pointer. */
  show(status: StatusView, rates: Rates | undefined): void {
    const rows = status.backends.map((backend) => rowsOf(backend, { status, rates }));
    const shape = rows.map((own) => own.length).join();
    const backends = status.backends.map(({ name }) => name);
    if (this.#shown !== `${backends.join()} ${shape}`) {
      this.#shown = `${backends.join()} ${shape}`;
      this.#body.replaceChildren(
        ...rows.flatMap((own, index) => own.map((_, row) => this.#rowFor(row === 0 ? backends[index] : undefined))),
      );
    }
    rows.flat().forEach((cells, index) => fill(this.#body.rows[index]!, cells));
  }

  #rowFor(backend: string | undefined): HTMLTableRowElement {
    const cells = COLUMNS.map(({ isNumber }) => element('td', { className: classOf(isNumber) }));
    const actions =
      backend === undefined ? [] : ACTIONS.map((action) => button(action, () => this.#onAction(backend, action)));
    return element('tr', {}, [...cells, element('td', {}, actions)]);
  }
}

interface Cell {
  readonly text: string;
  readonly className?: string;
  readonly title?: string;
}

function fill(row: HTMLTableRowElement, cells: readonly Cell[]): void {
  cells.forEach(({ text, className = '', title = '' }, index) => {
    const place = row.cells[index]!;
    if (place.textContent !== text) place.textContent = text;
    if (title !== place.title) place.title = title;
    const own = [classOf(COLUMNS[index]!.isNumber), className].join(' ').trim();
    if (place.className !== own) place.className = own;
  });
}

interface Facts {
  readonly status: StatusView;
  readonly rates: Rates | undefined;
}

function rowsOf(backend: BackendStatus, facts: Facts): Cell[][] {
  const first = [{ text: backend.name }, { text: describeRole(backend) }];
  const none = [{ text: '' }, { text: '' }];
  if (backend.workers.length === 0) return [[...first, ...COLUMNS.slice(2).map(() => ({ text: '' }))]];
  return backend.workers.map((worker, index) => [...(index === 0 ? first : none), ...workerCells(worker, facts)]);
}

function workerCells(worker: WorkerStatus, { status, rates }: Facts): Cell[] {
  const usage = status.resources?.workers.find(({ id }) => id === worker.id);
  return [
    { text: worker.id, title: worker.url },
    { text: worker.state, className: STATE_CLASS[worker.state] ?? 'waits', title: worker.lastError ?? '' },
    { text: worker.health },
    { text: worker.breaker, className: worker.breaker === 'closed' ? '' : 'bad' },
    { text: perSecondText(rates?.workers.get(worker.id)?.requests) },
    { text: String(worker.inflight) },
    { text: String(worker.failures) },
    { text: String(worker.restarts) },
    { text: coresText(usage?.cores) },
    { text: mebibytesText(usage?.residentBytes) },
    { text: mebibytesText(usage?.gpuMemoryBytes) },
    { text: worker.pid === null ? '-' : String(worker.pid) },
  ];
}

function classOf(isNumber: true | undefined): string {
  return isNumber === true ? 'number' : '';
}
