import { commit } from './offence.ts';

addEventListener('message', ({ data }) => commit(data));
