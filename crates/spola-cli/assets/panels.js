// The two panels beside the conversation: columns where there is room, else drawers over it.

const NARROW = matchMedia('(max-width: 767px)');
const MEDIUM = matchMedia('(max-width: 1119px)');

const $ = (id) => document.getElementById(id);

export function startPanels() {
  for (const name of ['side', 'wire']) {
    $(`open-${name}`).addEventListener('click', () => panel(name, !$(name).classList.contains('open')));
  }
  for (const button of document.querySelectorAll('[data-closes]')) button.addEventListener('click', closePanels);
  $('scrim').addEventListener('click', closePanels);
  addEventListener('keydown', ({ key }) => key === 'Escape' && closePanels());
  for (const query of [NARROW, MEDIUM]) query.addEventListener('change', layOut);
}

function panel(name, open) {
  const narrow = (name === 'side' ? NARROW : MEDIUM).matches;
  $(name).classList.toggle('open', open);
  $(name).inert = !open;
  $(`open-${name}`).setAttribute('aria-expanded', String(open));
  $('scrim').classList.toggle('open', narrow && open);
  if (narrow && open) $(name).querySelector('.close').focus();
}

export function closePanels() {
  for (const [name, query] of [['side', NARROW], ['wire', MEDIUM]]) {
    if (!query.matches || !$(name).classList.contains('open')) continue;
    const held = $(name).contains(document.activeElement);
    panel(name, false);
    if (held) $(`open-${name}`).focus();
  }
}

/** Opens what has a column of its own, closes what is a drawer. */
export function layOut() {
  panel('side', !NARROW.matches);
  panel('wire', !MEDIUM.matches);
  $('scrim').classList.remove('open');
}
