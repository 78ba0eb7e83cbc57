# The api, the workers and the local runtime in one image; `berth start` keeps them running.
FROM node:24.11.1-bookworm-slim AS build
WORKDIR /srv/berth
COPY package.json package-lock.json .npmrc ./
RUN npm ci --include=dev
COPY . .
RUN npm run build

FROM node:24.11.1-bookworm-slim
# bubblewrap isolates sessions where the container engine permits user namespaces; python3 and git are for the sessions.
RUN apt-get update \
  && apt-get install -y --no-install-recommends bubblewrap ca-certificates git python3 tini \
  && rm -rf /var/lib/apt/lists/*
ENV NODE_ENV=production
WORKDIR /srv/berth
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev
COPY . .
COPY --from=build /srv/berth/agent/dist agent/dist
COPY --from=build /srv/berth/web/dist web/dist
# Sessions run as this user too where the engine refuses bubblewrap its namespaces; Berth then warns and stays on loopback.
RUN install -d -o node -g node /var/lib/berth/data
USER node
EXPOSE 4600 4601
ENTRYPOINT ["tini", "--", "node", "cli/main.ts"]
CMD ["start"]
