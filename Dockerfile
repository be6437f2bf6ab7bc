# syntax=docker/dockerfile:1
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY clients/typescript/package.json ./clients/typescript/
RUN npm install --ignore-scripts --no-audit --no-fund
COPY . .
RUN npm run compile && npm run build:console && npm prune --omit=dev --omit=optional --ignore-scripts

FROM node:24-bookworm-slim
# More threads for the system's resolver: lookups of hosts that do not answer must not hold up the others.
ENV UV_THREADPOOL_SIZE=16
ENV NODE_ENV=production HUB_HOST=0.0.0.0 HUB_PORT=4000 HUB_DATA_DIR=/var/lib/voucher-hub
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/clients/typescript/package.json ./clients/typescript/
COPY --from=build /app/clients/typescript/dist ./clients/typescript/dist
RUN mkdir -p /var/lib/voucher-hub && chown node:node /var/lib/voucher-hub
USER node
VOLUME /var/lib/voucher-hub
EXPOSE 4000
# The hub stops cleanly at SIGTERM within 30 s.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD node -e "fetch('http://127.0.0.1:'+(process.env.HUB_PORT||4000)+'/readyz').then(r=>process.exit(r.ok?0:1),()=>process.exit(1))"
ENTRYPOINT ["node", "dist/main.js"]
CMD ["start"]
