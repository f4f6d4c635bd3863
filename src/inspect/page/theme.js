/** Light or dark: what the system says until a person chooses, and then what they chose. */

const KEY = 'homing-theme';

/**
 * Makes the button switch the theme, and names it by what it will do.
 * @param {HTMLElement} button
 */
export function offerTheme(button) {
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const apply = () => {
    const chosen = localStorage.getItem(KEY);
    const isDark = chosen === null ? dark.matches : chosen === 'dark';
    document.documentElement.setAttribute('data-theme', isDark ? 'dark' : 'light');
    button.setAttribute('aria-label', isDark ? 'Switch to light colors' : 'Switch to dark colors');
    button.setAttribute('title', button.getAttribute('aria-label') ?? '');
  };
  dark.addEventListener('change', apply);
  button.addEventListener('click', () => {
    localStorage.setItem(KEY, document.documentElement.getAttribute('data-theme') === 'dark' ? 'light' : 'dark');
    apply();
  });
  apply();
}
