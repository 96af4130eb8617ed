# One image for every process of Busbar; docker-compose.yml says which one a container runs.
# Node 22: the floor is 20.19 (package.json), but Node 20 gets no more fixes.
FROM node:22-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc prisma.config.ts ./
COPY prisma/schema.prisma prisma/
# The postinstall script generates the Prisma client into prisma/generated.
RUN npm ci --omit=dev

FROM node:22-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY --from=dependencies /app/prisma/generated prisma/generated
COPY . .
USER node
EXPOSE 4000 4001
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "deploy/healthcheck.mjs"]
# Node itself, not npm: signals reach the process, and nothing writes to a home folder.
ENTRYPOINT ["node", "--max-semi-space-size=32", "--import", "tsx"]
CMD ["gateway/main.ts"]
