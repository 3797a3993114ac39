// What may change by itself stands in #live: it is fetched again while somebody looks at it.
const live = document.getElementById("live");

async function refresh() {
  if (document.hidden || live.contains(document.activeElement)) return;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("live");
    if (fresh && fresh.innerHTML !== last) {
      last = fresh.innerHTML;
      live.innerHTML = last;
    }
  } catch {
    // The demonstration has ended, or is about to be here again.
  }
}

let last = live && live.innerHTML;
if (live) setInterval(refresh, 2000);
