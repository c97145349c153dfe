/** What a session's first request said of where it comes from, in words. */

/** "Firefox 120 on Windows 10, iPhone"; empty where nothing is known; pure. @param {any} client */
export function inWords(client) {
  const named = (one) => (one && one.name !== "Other" ? [one.name, one.version].filter(Boolean).join(" ") : "");
  const program = [named(client?.browser), named(client?.os)].filter(Boolean).join(" on ");
  const device = client?.device && client.device !== "Other" ? client.device : "";
  return [program, device, client?.bot ? `crawler ${client.bot}` : ""].filter(Boolean).join(", ");
}
