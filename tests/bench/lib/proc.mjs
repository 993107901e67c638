// What /proc tells: CPU of one process, of the whole machine, and memory.
import { readFileSync } from 'node:fs';

const TICK_US = 10000; // USER_HZ is 100 on Linux

/** utime + stime of a process (all its threads) in microseconds. */
export function cpuMicros(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_US;
}

/** Busy time of the machine in microseconds, all CPUs. */
export function machineMicros() {
  const [user, nice, system, , , irq, softirq] = readFileSync('/proc/stat', 'utf8').split('\n')[0].trim().split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + softirq) * TICK_US;
}

function rollup(pid) {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kib = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
  return { rss: kib('Rss') * 1024, private: (kib('Private_Clean') + kib('Private_Dirty')) * 1024, privateDirty: kib('Private_Dirty') * 1024 };
}
export const memory = rollup;
