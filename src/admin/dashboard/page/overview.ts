// Mode, traffic and machine, in a line each.

import { gibibytesText, perSecondText, shareText } from '../../quantity-text.js';
import type { Rates } from '../../rates.js';
import { describeFront, describeGpu, describeLoad, describePressure, describeUsage } from '../../status-text.js';
import type { StatusView } from '../../status-view.js';
import { byId, element, say } from './elements.js';

export function showOverview(status: StatusView, rates: Rates | undefined): void {
  showMode(status);
  const lines = [
    ['Traffic', trafficText(status, rates)],
    ...status.mode.leases.map(({ holder, mode, overruled }) => [
      'Lease',
      `${mode} is held by ${holder}${overruled ? ', overruled by hand' : ''}`,
    ]),
    ...memoryLines(status),
    ...machineLines(status),
    ['Front', describeFront(status.front)],
    ['Process', `pid ${status.instance.pid}, version ${status.instance.version}`],
  ];
  byId('overview').replaceChildren(
    ...lines.flatMap(([name, text]) => [element('dt', { text: name }), element('dd', { text })]),
  );
}

function showMode({ mode: { current, target, converged } }: StatusView): void {
  const place = byId('mode');
  const onItsWay = current === target ? `${current}, not complete` : `${current}, switching to ${target}`;
  say(place, converged ? current : onItsWay);
  place.className = converged ? 'good' : 'waits';
}

function trafficText({ front }: StatusView, rates: Rates | undefined): string {
  return `${perSecondText(rates?.total.requests)} requests/s, ${describeLoad(front)}`;
}

function memoryLines({ pressure }: StatusView): string[][] {
  const memory = describePressure(pressure);
  return memory === undefined ? [] : [['Memory', memory]];
}

function machineLines({ resources }: StatusView): string[][] {
  if (resources === null) return [];
  const { machine, self, gpu } = resources;
  const { availableBytes, totalBytes } = machine.memory;
  const free = `${gibibytesText(availableBytes)} of ${gibibytesText(totalBytes)} memory available`;
  const devices = gpu.state === 'seen' ? gpu.devices : [];
  return [
    ['Machine', `${shareText(machine.cpuShare)} of ${machine.cores} cores busy, ${free}`],
    ...devices.map((device) => [`GPU ${device.index}`, describeGpu(device)]),
    ...(gpu.state === 'seen' ? [] : [['GPU', gpu.reason]]),
    ['Proxy', describeUsage(self)],
  ];
}
