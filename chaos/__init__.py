"""`script/chaos`: a real installation that is broken on purpose, healed, and then compared.

How it goes. A state database, two PostgreSQL servers for tenants (`site`), a web server, two
workers and the local GitHub of `demo/` start in a temporary folder. Several actors then act for
some seconds: `developers` at GitHub, `jobs` as the Action does, `people` over the API, `troubles`
with signals and cables, `outages` in GitHub's name. What each does and when is a `plan` drawn from
the seed; what becomes of it depends on timing, so a seed is a place to look and no recording.
`healing` then ends every trouble and waits; `comparison` asks whether all that was promised holds.

How to read a failure. Each violation names what it is about. With a violation the folder of logs
stays:

- `web.log`, `worker-1.log`, `worker-2.log`: the service, JSON lines with times.
- `state.log`, `east.log`, `west.log`: what the PostgreSQL servers said.
- `deeds.jsonl`: what the actors did, in order. Look for the branch, then for troubles around it.
- `history.jsonl`: each change of a row in the table of databases, by a trigger, with what changed.
  `is_emptying` becoming true begins a Reset; it must have a request in `deeds.jsonl`.
- `births.jsonl`: when each physical database (a number of PostgreSQL's, the oid) was first seen and
  made. A Reset makes a new one under the old name.

A row that was lost: `written.jsonl` tells into which oid it went and when it was confirmed. If that
oid is gone, `history.jsonl` should hold the beginning of a Reset, or a drop, after its birth; if
there is one without a request, somebody repeated an old one. A violation that comes back with the
same seed is worth a test; one that does not, worth more seeds: `script/chaos --seed` with others.
"""
