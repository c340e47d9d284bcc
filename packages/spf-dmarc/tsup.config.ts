import { libraryOf } from '../../scripts/tsup.ts';

export default libraryOf({ index: 'src/index.ts', reports: 'src/report/index.ts' });
