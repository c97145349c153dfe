import { allowed } from "./allowed.js";
import { readCookie, writeCookie } from "./storage.js";
import { prefix } from "./tag.js";

/**
 * Run one at a time in all tabs. Only https pages and localhost have locks; elsewhere a cookie that ends by itself is the lease. Two
 * tabs that take it in the same instant both send, each event still under one ID.
 *
 * @param {() => Promise<void>} run
 */
export const lock = async (run) => {
  if (navigator.locks) return navigator.locks.request(prefix, run).catch(run); // refused in a sandbox, where no other tab is
  if (!allowed()) return run(); // which finds that it may do nothing; nor may a lease be stored
  const lease = prefix + "lease";
  while (readCookie(lease)) await new Promise((done) => setTimeout(done, 1000));
  writeCookie(lease, lease, 40); // longer than a request may take
  await run();
  writeCookie(lease, "", -1);
};
