export { library as default } from '../../scripts/tsup.ts';
