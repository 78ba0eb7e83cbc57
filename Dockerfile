# The api, the workers and the migrations in one image, each by its command; `berth start` keeps all of them running on
# one machine, with the local runtime. Nothing is built when it runs, so it works with a root that cannot be written:
# only /tmp and BERTH_DATA_DIR have to be writable.

FROM node:24-bookworm-slim AS packages
WORKDIR /srv/berth
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev

# The Rust core of Temporal's client comes for every platform at once; one of them can ever be loaded.
FROM packages AS runtime-packages
RUN case "$(node -p process.arch)" in x64) arch=x86_64 ;; arm64) arch=aarch64 ;; esac \
  && find node_modules/@temporalio/core-bridge/releases -mindepth 1 -maxdepth 1 ! -name "$arch-unknown-linux-gnu" -exec rm -rf {} + \
  && node -e 'require("@temporalio/core-bridge")' \
  && find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete

FROM packages AS build
RUN npm ci --include=dev
COPY tsconfig.base.json ./
COPY shared shared
COPY agent agent
COPY web web
RUN node agent/build.ts && node node_modules/vite/bin/vite.js build web --logLevel warn
COPY workflows workflows
COPY workers/bundle.ts workers/bundle.ts
RUN node workers/bundle.ts

FROM node:24-bookworm-slim
# bubblewrap isolates local sessions where the container engine permits user namespaces; python3 and git are for them.
RUN apt-get update \
  && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends bubblewrap ca-certificates git python3 tini \
  && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log \
  && install -d -o node -g node /var/lib/berth/data
ENV NODE_ENV=production \
  LANG=C.UTF-8 \
  BERTH_DATA_DIR=/var/lib/berth/data
WORKDIR /srv/berth
COPY --from=runtime-packages /srv/berth/node_modules node_modules
COPY package.json package-lock.json ./
COPY shared shared
COPY platform platform
COPY workflows workflows
COPY activities activities
COPY migrations migrations
COPY workers workers
COPY api api
COPY cli cli
COPY --from=build /srv/berth/agent/dist agent/dist
COPY --from=build /srv/berth/workers/dist workers/dist
COPY --from=build /srv/berth/web/dist web/dist
# Local sessions run as this user too where the engine refuses bubblewrap its namespaces; Berth then warns and stays on loopback.
USER 1000:1000
EXPOSE 4600 4601
# `docker run berth migrate` runs a command of Berth's own; a pod runs `tini -- node api/main.ts` or `workers/main.ts`.
ENTRYPOINT ["tini", "--", "node", "cli/main.ts"]
CMD ["start"]
