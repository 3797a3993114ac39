#!/usr/bin/env bash
# Starts the image as a newcomer would and waits until Docker calls it healthy.
set -euo pipefail

docker run --detach --name coppice --init coppice
for _ in {1..60}; do
  state=$(docker inspect --format '{{.State.Status}} {{.State.Health.Status}}' coppice)
  [ "$state" = "running healthy" ] && exit
  sleep 1
done
docker logs coppice
printf 'still not healthy after a minute: %s\n' "$state" >&2
exit 1
