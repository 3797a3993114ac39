-- AlterTable
ALTER TABLE "customers" ADD COLUMN "email" TEXT;
