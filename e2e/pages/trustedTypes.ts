import '../../src/trustedTypes.ts';
