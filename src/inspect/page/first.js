// Runs before anything is drawn, so that a chosen theme does not flash up in the other one.
{
  const chosen = localStorage.getItem('homing-theme');
  const isDark = chosen === null ? matchMedia('(prefers-color-scheme: dark)').matches : chosen === 'dark';
  document.documentElement.setAttribute('data-theme', isDark ? 'dark' : 'light');
}
