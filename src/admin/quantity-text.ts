// Quantities in a few characters, for people; `-` where a quantity is not known. Free of Node: the dashboard's page has it too.

export function perSecondText(value: number | undefined): string {
  if (value === undefined) return '-';
  return value > 0 && value < 10 ? value.toFixed(1) : String(Math.round(value));
}

/** Of a share from 0 to 1. */
export function shareText(value: number | undefined): string {
  return value === undefined ? '-' : `${Math.round(value * 100)} %`;
}

export function coresText(value: number | undefined): string {
  return value === undefined ? '-' : value.toFixed(2);
}

export function mebibytesText(bytes: number | undefined): string {
  return bytes === undefined ? '-' : `${Math.round(bytes / 1024 ** 2)} MiB`;
}

export function gibibytesText(bytes: number | undefined): string {
  return bytes === undefined ? '-' : `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
}
