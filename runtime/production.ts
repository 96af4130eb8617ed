/**
 * To be imported before anything else: graphql-js decides as it is loaded whether it checks each of its objects for coming
 * from another copy of itself. Without that frames are made a fifth faster.
 */
process.env.NODE_ENV ??= 'production';
