/**
 * One cookie that lives until the browser closes. Written without a max-age, so the browser ends it, and read by every tab.
 *
 * @param {{cookie: string}} document
 * @param {string} name
 * @param {boolean} secure whether the page is on https
 */
export const createJar = (document, name, secure) => {
  // A value that does not begin with a UUID is not ours: somebody else's cookie, or one that was tampered with.
  const pattern = new RegExp(`(?:^|; )${name}=([\\da-f-]{36}[\\w.-]*)`);
  return {
    /** @returns {string} "" when there is none, or where cookies are forbidden */
    read: () => {
      try {
        return (pattern.exec(document.cookie) || [])[1] || "";
      } catch {
        return ""; // a sandboxed frame throws
      }
    },

    /** @type {(value: string) => void} */
    write: (value) => {
      try {
        document.cookie = `${name}=${value};path=/;samesite=lax` + (secure ? ";secure" : "");
      } catch {
        // as above
      }
    },
  };
};

/** @typedef {ReturnType<typeof createJar>} Jar */
