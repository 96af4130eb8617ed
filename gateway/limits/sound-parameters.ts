import { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';

/**
 * Refuses what is no JSON where there must be some, without repeating it: yoga takes it for a fault of ours in an address or a form, and
 * sends a body back with the refusal, however long it is.
 */
export function requireSoundParameters(): Plugin {
  return {
    onRequestParse({ requestParser, setRequestParser }) {
      if (!requestParser) return;
      setRequestParser(async (request) => {
        try {
          return await requestParser(request);
        } catch (error) {
          if (error instanceof SyntaxError) throw unsound('`variables` and `extensions` must be JSON');
          if (error instanceof GraphQLError && error.extensions.originalError) throw unsound('the body must be JSON');
          throw error;
        }
      });
    },
  };
}

function unsound(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { http: { status: 400 } } });
}
