-- What of a trace is told at later commits of its branch: few statements, where there may be
-- thousands. Null in those of before; json, because it is only ever read whole.
ALTER TABLE traces ADD COLUMN short json;
