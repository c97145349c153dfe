/** The version that every request names. Equal to package.json's: a test compares. */
export const version = "0.1.0";
