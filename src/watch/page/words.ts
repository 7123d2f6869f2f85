/**
 * Numbers and names in words.
 *
 * @module
 */
import { formatQuantity } from "../../report/quantity.ts";

/**
 * Writes a number with four digits.
 *
 * @param value Any finite number.
 */
export function numberWords(value: number): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4) return value.toExponential(2);
  return String(Number(value.toPrecision(4)));
}

/**
 * Writes a share, from 0 to 1, as percent.
 *
 * @param share The share.
 */
export function percentWords(share: number): string {
  return `${Number((100 * share).toFixed(2))}%`;
}

/**
 * Writes a number of bytes.
 *
 * @param bytes At least 0.
 */
export function byteWords(bytes: number): string {
  return bytes >= 1 << 30
    ? `${(bytes / (1 << 30)).toFixed(1)} GiB`
    : `${(bytes / (1 << 20)).toFixed(bytes < 100 << 20 ? 1 : 0)} MiB`;
}

/**
 * Writes the time of one step.
 *
 * @param seconds More than 0.
 */
export function stepTimeWords(seconds: number): string {
  if (seconds < 1) return `${Number((1000 * seconds).toPrecision(3))} ms`;
  return `${Number(seconds.toPrecision(3))} s`;
}

/**
 * Writes a tick of an axis, short.
 *
 * @param value Any finite number.
 */
export function tickWords(value: number): string {
  if (Math.abs(value) >= 1000) {
    return `${value < 0 ? "-" : ""}${formatQuantity(Math.abs(value)).replace(" ", "")}`;
  }
  return Math.abs(value) < 1e-4 && value !== 0
    ? value.toExponential(0)
    : String(Number(value.toPrecision(6)));
}

/**
 * Writes the name of a metric with spaces: `validationAccuracy` as `validation accuracy`.
 *
 * @param metric The name in a log.
 */
export function metricWords(metric: string): string {
  return metric.replace(/(?<=[a-z0-9])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/**
 * Tells how long ago a run began, or when.
 *
 * @param date ISO 8601; empty for never.
 * @param now Milliseconds since 1970.
 */
export function dateWords(date: string, now: number): string {
  const seconds = (now - Date.parse(date)) / 1000;
  if (!Number.isFinite(seconds)) return "";
  if (seconds < -60) return date.slice(0, 10);
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return date.slice(0, 10);
}
