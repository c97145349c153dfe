/**
 * What a sent form is reported as: its names, never what a person has typed.
 *
 * @param {HTMLFormElement} form
 */
export const formProperties = (form) => ({
  form: form.getAttribute("id") || form.getAttribute("name") || undefined,
  fields: [...form.elements].map((field) => field.getAttribute("name")).filter(Boolean),
});
